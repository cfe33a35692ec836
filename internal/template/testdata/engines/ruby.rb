# Renders the templates of standard input with Ruby's Liquid and prints the results: an array of { text } or { fails }.
require 'json'
require 'liquid'

# Lists are compared as JSON, which Ruby's Liquid itself does not write.
module AsJSON
  def json(value)
    JSON.generate(value)
  end
end
Liquid::Template.register_filter(AsJSON)

input = JSON.parse($stdin.read)
results = input['templates'].map do |source|
  template = Liquid::Template.parse(source, error_mode: :strict)
  text = template.render(JSON.parse(JSON.generate(input['data'])))
  template.errors.empty? ? { text: text.dup.force_encoding('UTF-8').scrub } : { fails: true }
rescue StandardError
  { fails: true }
end
puts JSON.generate(results)
