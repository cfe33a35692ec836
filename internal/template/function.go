package template

import (
	"slices"
	"strings"
)

// Function describes a filter or a tag to the people who write templates.
type Function struct {
	Name    string `json:"name"`
	Kind    string `json:"kind" enum:"filter,tag"`
	Group   string `json:"group"`
	Args    string `json:"args,omitempty"` // as they are written behind the name
	Summary string `json:"summary"`
	Example string `json:"example"` // a whole template
}

// The kinds of functions.
const (
	KindFilter = "filter"
	KindTag    = "tag"
)

// Groups lists the groups of functions in the order in which they are offered.
var Groups = []string{
	"Rows and types", "Text", "Numbers", "Dates", "Lists", "Search in lists", "JSON, HTML and URLs", "Hashes and encodings",
	"Conditions", "Loops", "Variables", "Other tags",
}

// Functions returns all filters and tags by group and name.
func Functions() []Function {
	all := slices.Concat(filterDocs, tagDocs)
	slices.SortStableFunc(all, func(a, b Function) int {
		if d := slices.Index(Groups, a.Group) - slices.Index(Groups, b.Group); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// docs makes functions of lines of name, arguments, summary and example.
func docs(kind, group string, lines ...[4]string) []Function {
	all := make([]Function, len(lines))
	for i, l := range lines {
		all[i] = Function{l[0], kind, group, l[1], l[2], l[3]}
	}
	return all
}

var filterDocs = slices.Concat(
	docs(KindFilter, "Rows and types",
		[4]string{"default", "'value'", "Replaces null, false and an empty text, list or object; with allow_false: true false stays.", "{{ '' | default: 'none' }}"},
		[4]string{"cast", "'number'", "Makes a string, a number or a boolean. What cannot be cast refuses the row; null stays null.", "{{ '12.50' | cast: 'number' }}"},
		[4]string{"parse", "", "Reads JSON text: a list, an object or a single value. What is not JSON refuses the row.", "{{ '[1,2]' | parse }}"},
		[4]string{"json_construct", "'key', 'value'", "Makes an object of keys and values in turn; its input does not matter.", "{{ '' | json_construct: 'city', 'Rome', 'zip', 184 }}"},
		[4]string{"null_if_empty", "", "Makes null of an empty text.", "{{ '' | null_if_empty }}"},
		[4]string{"includes", "'text'", "Passes a value that contains the text, and refuses the row of any other.", "{{ 'Arya Stark' | includes: 'Stark' }}"},
		[4]string{"regex_test", "'pattern'", "Passes a value that matches the pattern (RE2), and refuses the row of any other.", "{{ 'A-17' | regex_test: '^[A-Z]-[0-9]+$' }}"},
		[4]string{"regex_replace", "'pattern', ''", "Replaces every match of the pattern (RE2); $1 is the first group.", "{{ 'a1b22' | regex_replace: '[0-9]+', '' }}"},
		[4]string{"validate_email", "", "Passes an e-mail address (RFC 5322), and refuses the row of any other value.", "{{ 'ann@example.com' | validate_email }}"},
		[4]string{"to_date", "", "Makes an instant of a written date or of seconds since 1970. What is no date refuses the row.", "{{ '2024-03-05' | to_date }}"},
		[4]string{"to_unix", "", "Makes seconds since 1970 of a date. What is no date refuses the row.", "{{ '2024-03-05' | to_unix }}"},
		[4]string{"slack_user_lookup", "", "In messages to Slack: the ID of the user with an e-mail address, as in <@ID>. An address that nobody has refuses the row.", "{% if row.email %}<@{{ row.email | slack_user_lookup }}>{% endif %}"},
		[4]string{"to_integer", "", "Reads a number; what is none is 0.", "{{ '42' | to_integer }}"},
		[4]string{"raw", "", "Prints the value as it is where the template's format would escape it.", "{{ '<b>' | raw }}"},
	),
	docs(KindFilter, "Text",
		[4]string{"append", "'text'", "Adds a text at the end.", "{{ 'Ann' | append: '!' }}"},
		[4]string{"prepend", "'text'", "Adds a text at the beginning.", "{{ 'Ann' | prepend: 'Ms ' }}"},
		[4]string{"capitalize", "", "Makes the first letter a capital and all others small.", "{{ 'éLAN' | capitalize }}"},
		[4]string{"downcase", "", "Makes all letters small.", "{{ 'ANN' | downcase }}"},
		[4]string{"upcase", "", "Makes all letters capitals.", "{{ 'ann' | upcase }}"},
		[4]string{"camelcase", "", "Joins words with capitals, the first word small.", "{{ 'first name' | camelcase }}"},
		[4]string{"camelize", "", "Joins words with capitals.", "{{ 'first name' | camelize }}"},
		[4]string{"strip", "", "Removes blanks at both ends, or the characters that are named.", "{{ '  a b ' | strip }}"},
		[4]string{"lstrip", "", "Removes blanks at the beginning.", "{{ '  a b' | lstrip }}"},
		[4]string{"rstrip", "", "Removes blanks at the end.", "{{ 'a b  ' | rstrip }}"},
		[4]string{"squish", "", "Removes blanks at both ends and makes one of many within.", "{{ '  a   b ' | squish }}"},
		[4]string{"normalize_whitespace", "", "Makes one blank of many.", "{{ 'a   b' | normalize_whitespace }}"},
		[4]string{"strip_newlines", "", "Removes line breaks.", "{{ \"a\\nb\" | strip_newlines }}"},
		[4]string{"replace", "'old', 'new'", "Replaces every occurrence.", "{{ 'a-b-c' | replace: '-', '+' }}"},
		[4]string{"replace_first", "'old', 'new'", "Replaces the first occurrence.", "{{ 'a-b-c' | replace_first: '-', '+' }}"},
		[4]string{"replace_last", "'old', 'new'", "Replaces the last occurrence.", "{{ 'a-b-c' | replace_last: '-', '+' }}"},
		[4]string{"remove", "'text'", "Removes every occurrence.", "{{ 'a-b-c' | remove: '-' }}"},
		[4]string{"remove_first", "'text'", "Removes the first occurrence.", "{{ 'a-b-c' | remove_first: '-' }}"},
		[4]string{"remove_last", "'text'", "Removes the last occurrence.", "{{ 'a-b-c' | remove_last: '-' }}"},
		[4]string{"split", "','", "Divides a text into a list. Numbers count as text; empty items at the end are dropped.", "{{ 'a,b' | split: ',' }}"},
		[4]string{"truncate", "50, '...'", "Cuts a text to a number of characters, the ellipsis among them.", "{{ 'Ground control' | truncate: 9 }}"},
		[4]string{"truncatewords", "15, '...'", "Cuts a text to a number of words.", "{{ 'one two three' | truncatewords: 2 }}"},
		[4]string{"number_of_words", "", "Counts words; with 'cjk' or 'auto' each Chinese, Japanese or Korean character is one.", "{{ 'one two' | number_of_words }}"},
		[4]string{"pluralize", "'item', 'items'", "Chooses one of two words by a number.", "{{ 2 | pluralize: 'item', 'items' }}"},
		[4]string{"array_to_sentence_string", "'and'", "Joins a list with commas and a word before the last item.", "{{ 'a,b,c' | split: ',' | array_to_sentence_string }}"},
	),
	docs(KindFilter, "Numbers",
		[4]string{"abs", "", "Removes the sign.", "{{ -3 | abs }}"},
		[4]string{"ceil", "", "Rounds up to a whole number.", "{{ 1.2 | ceil }}"},
		[4]string{"floor", "", "Rounds down to a whole number.", "{{ 1.8 | floor }}"},
		[4]string{"round", "2", "Rounds to a number of digits behind the point, half away from zero.", "{{ 3.14159 | round: 2 }}"},
		[4]string{"plus", "1", "Adds.", "{{ 4 | plus: 2 }}"},
		[4]string{"minus", "1", "Subtracts.", "{{ 4 | minus: 2 }}"},
		[4]string{"times", "2", "Multiplies.", "{{ 4 | times: 2 }}"},
		[4]string{"divided_by", "2", "Divides. Whole numbers divide exactly: 5 by 2 is 2.5, and with true as second argument 2.", "{{ 5 | divided_by: 2 }}"},
		[4]string{"modulo", "2", "The rest of a division, with the sign of the divisor.", "{{ 7 | modulo: 4 }}"},
		[4]string{"at_least", "0", "The larger of two numbers.", "{{ -2 | at_least: 0 }}"},
		[4]string{"at_most", "100", "The smaller of two numbers.", "{{ 120 | at_most: 100 }}"},
	),
	docs(KindFilter, "Dates",
		[4]string{"date", "'%Y-%m-%d'", "Writes a date by a format of strftime, in a zone that may follow the format. Dates, seconds since 1970 and 'now' are understood.", "{{ '2024-03-05T14:07:09Z' | date: '%d/%m/%Y %H:%M' }}"},
		[4]string{"date_to_xmlschema", "", "Writes a date as ISO 8601.", "{{ '2024-03-05' | date_to_xmlschema }}"},
		[4]string{"date_to_rfc822", "", "Writes a date as mails do.", "{{ '2024-03-05' | date_to_rfc822 }}"},
		[4]string{"date_to_string", "", "Writes a date with a short month; 'ordinal' and 'US' change the order.", "{{ '2024-03-05' | date_to_string }}"},
		[4]string{"date_to_long_string", "", "Writes a date with a long month.", "{{ '2024-03-05' | date_to_long_string }}"},
	),
	docs(KindFilter, "Lists",
		[4]string{"join", "', '", "Makes a text of a list.", "{{ '[1,2]' | parse | join: ', ' }}"},
		[4]string{"first", "", "The first item of a list or character of a text.", "{{ 'a,b' | split: ',' | first }}"},
		[4]string{"last", "", "The last item of a list or character of a text.", "{{ 'a,b' | split: ',' | last }}"},
		[4]string{"size", "", "The length of a list or a text.", "{{ 'abc' | size }}"},
		[4]string{"slice", "0, 2", "A part of a list or a text, from a place that may count from the end.", "{{ 'abcdef' | slice: 1, 3 }}"},
		[4]string{"concat", "row['other']", "Joins two lists; two texts where neither is a list.", "{{ 'a' | concat: 'b' }}"},
		[4]string{"push", "'item'", "Adds an item at the end.", "{{ '[1]' | parse | push: 2 }}"},
		[4]string{"pop", "", "Removes the last item.", "{{ '[1,2]' | parse | pop }}"},
		[4]string{"shift", "", "Removes the first item.", "{{ '[1,2]' | parse | shift }}"},
		[4]string{"unshift", "'item'", "Adds an item at the beginning.", "{{ '[1]' | parse | unshift: 0 }}"},
		[4]string{"reverse", "", "Turns a list round.", "{{ '[1,2]' | parse | reverse }}"},
		[4]string{"sort", "'property'", "Sorts a list, or objects by a property; null is last.", "{{ '[3,1]' | parse | sort }}"},
		[4]string{"sort_natural", "'property'", "Sorts without regard to capitals.", "{{ 'b,A' | split: ',' | sort_natural }}"},
		[4]string{"uniq", "", "Keeps the first of equal items.", "{{ '[1,2,1]' | parse | uniq }}"},
		[4]string{"compact", "", "Removes null; with a property the objects without it.", "{{ '[1,null]' | parse | compact }}"},
		[4]string{"map", "'property'", "Takes a property of each object.", "{{ '[{\"a\":1},{\"a\":2}]' | parse | map: 'a' }}"},
		[4]string{"sum", "'property'", "Adds up numbers, or a property of objects.", "{{ '[1,2.5]' | parse | sum }}"},
		[4]string{"sample", "1", "Draws items at random.", "{{ 'a' | split: ',' | sample }}"},
	),
	docs(KindFilter, "Search in lists",
		[4]string{"where", "'property', 'value'", "Keeps objects whose property has a value, or is true.", "{{ '[{\"a\":1},{\"a\":2}]' | parse | where: 'a', 2 }}"},
		[4]string{"reject", "'property', 'value'", "Keeps all other objects.", "{{ '[{\"a\":1},{\"a\":2}]' | parse | reject: 'a', 2 }}"},
		[4]string{"find", "'property', 'value'", "The first object whose property has a value.", "{{ '[{\"a\":1},{\"a\":2}]' | parse | find: 'a', 2 }}"},
		[4]string{"find_index", "'property', 'value'", "Where that object is, from 0.", "{{ '[{\"a\":1},{\"a\":2}]' | parse | find_index: 'a', 2 }}"},
		[4]string{"has", "'property', 'value'", "Whether there is such an object.", "{{ '[{\"a\":1}]' | parse | has: 'a', 1 }}"},
		[4]string{"group_by", "'property'", "Makes groups {name, items} by a property.", "{{ '[{\"a\":1},{\"a\":1}]' | parse | group_by: 'a' }}"},
		[4]string{"where_exp", "'item', 'item.a > 1'", "Keeps the items for which an expression holds.", "{{ '[1,2,3]' | parse | where_exp: 'n', 'n > 1' }}"},
		[4]string{"reject_exp", "'item', 'item.a > 1'", "Keeps all other items.", "{{ '[1,2,3]' | parse | reject_exp: 'n', 'n > 1' }}"},
		[4]string{"find_exp", "'item', 'item.a > 1'", "The first item for which an expression holds.", "{{ '[1,2,3]' | parse | find_exp: 'n', 'n > 1' }}"},
		[4]string{"find_index_exp", "'item', 'item.a > 1'", "Where that item is, from 0.", "{{ '[1,2,3]' | parse | find_index_exp: 'n', 'n > 1' }}"},
		[4]string{"has_exp", "'item', 'item.a > 1'", "Whether there is such an item.", "{{ '[1,2,3]' | parse | has_exp: 'n', 'n > 3' }}"},
		[4]string{"group_by_exp", "'item', 'item.a'", "Makes groups {name, items} by an expression.", "{{ '[1,2,3]' | parse | group_by_exp: 'n', 'n | modulo: 2' }}"},
	),
	docs(KindFilter, "JSON, HTML and URLs",
		[4]string{"json", "", "Writes a value as JSON; a number as argument indents it.", "{{ 'say \"hi\"' | json }}"},
		[4]string{"jsonify", "", "The same as json.", "{{ 'a' | jsonify }}"},
		[4]string{"inspect", "", "The same as json.", "{{ 'a' | inspect }}"},
		[4]string{"escape", "", "Writes characters that mean something in HTML as entities.", "{{ 'a < b' | escape }}"},
		[4]string{"escape_once", "", "The same, leaving entities alone.", "{{ '1 &lt; 2 & 3' | escape_once }}"},
		[4]string{"xml_escape", "", "The same as escape.", "{{ 'a < b' | xml_escape }}"},
		[4]string{"unescape", "", "Turns entities back.", "{{ 'a &lt; b' | unescape }}"},
		[4]string{"newline_to_br", "", "Adds <br /> before line breaks.", "{{ \"a\\nb\" | newline_to_br }}"},
		[4]string{"strip_html", "", "Removes tags, comments, scripts and styles.", "{{ '<p>a</p>' | strip_html }}"},
		[4]string{"url_encode", "", "Encodes a text for a URL's query; a blank becomes +.", "{{ 'a b&c' | url_encode }}"},
		[4]string{"url_decode", "", "Turns that back.", "{{ 'a+b%26c' | url_decode }}"},
		[4]string{"cgi_escape", "", "Encodes a text as forms do.", "{{ \"it's a\" | cgi_escape }}"},
		[4]string{"uri_escape", "", "Encodes only what cannot stand in a URL.", "{{ 'https://a.b/c d' | uri_escape }}"},
		[4]string{"url_escape", "", "The same as uri_escape.", "{{ 'a b/c' | url_escape }}"},
		[4]string{"url_param_escape", "", "Encodes a text for any part of a URL.", "{{ 'a b/c' | url_param_escape }}"},
		[4]string{"slugify", "", "Makes a part of an address; 'raw', 'pretty', 'ascii' and 'latin' say what stays.", "{{ 'The _config file' | slugify }}"},
		[4]string{"handleize", "", "Makes a part of an address of ASCII letters and digits.", "{{ '100% M & Ms!' | handleize }}"},
		[4]string{"handle", "", "The same as handleize.", "{{ 'A b' | handle }}"},
	),
	docs(KindFilter, "Hashes and encodings",
		[4]string{"md5", "", "MD5 in hexadecimal. A hash of null is null.", "{{ 'abc' | md5 }}"},
		[4]string{"sha1", "", "SHA-1 in hexadecimal.", "{{ 'abc' | sha1 }}"},
		[4]string{"sha256", "", "SHA-256 in hexadecimal.", "{{ 'abc' | sha256 }}"},
		[4]string{"sha512", "", "SHA-512 in hexadecimal.", "{{ 'abc' | sha512 | slice: 0, 16 }}"},
		[4]string{"hmac_sha1", "'key'", "HMAC with SHA-1.", "{{ 'abc' | hmac_sha1: 'key' }}"},
		[4]string{"hmac_sha256", "'key'", "HMAC with SHA-256.", "{{ 'abc' | hmac_sha256: 'key' }}"},
		[4]string{"base64_encode", "", "Encodes text or bytes as base64.", "{{ 'abc' | base64_encode }}"},
		[4]string{"b64_encode", "", "The same as base64_encode.", "{{ 'abc' | b64_encode }}"},
		[4]string{"base64_decode", "", "Decodes base64 of either alphabet. What is none refuses the row.", "{{ 'YWJj' | base64_decode }}"},
		[4]string{"b64_decode", "", "The same as base64_decode.", "{{ 'YWJj' | b64_decode }}"},
		[4]string{"base64_url_safe_encode", "", "Encodes with - and _ instead of + and /.", "{{ '??>' | base64_url_safe_encode }}"},
		[4]string{"base64_url_safe_decode", "", "The same as base64_decode.", "{{ 'Pz8-' | base64_url_safe_decode }}"},
	),
)

var tagDocs = slices.Concat(
	docs(KindTag, "Conditions",
		[4]string{"if", "condition", "Prints its block where the condition holds; elsif and else follow.", "{% if 5 > 3 %}more{% elsif 5 == 3 %}same{% else %}less{% endif %}"},
		[4]string{"unless", "condition", "Prints its block where the condition does not hold.", "{% unless 5 > 3 %}less{% else %}more{% endunless %}"},
		[4]string{"case", "value", "Prints the blocks of the whens that equal the value, else the block of else.", "{% case 2 %}{% when 1 %}one{% when 2, 3 %}some{% else %}many{% endcase %}"},
		[4]string{"ifchanged", "", "Prints its block where it is not what the last such block printed.", "{% for i in (1..3) %}{% ifchanged %}a{% endifchanged %}{% endfor %}"},
	),
	docs(KindTag, "Loops",
		[4]string{"for", "item in list", "Repeats its block for each item. limit, offset and reversed may follow; else is for a list without items.", "{% for i in (1..3) %}{{ i }}{% unless forloop.last %}, {% endunless %}{% else %}none{% endfor %}"},
		[4]string{"tablerow", "item in list cols: 2", "Makes rows and cells of an HTML table.", "{% tablerow i in (1..2) cols: 2 %}{{ i }}{% endtablerow %}"},
		[4]string{"cycle", "'a', 'b'", "Prints its values in turn.", "{% for i in (1..3) %}{% cycle 'a', 'b' %}{% endfor %}"},
		[4]string{"break", "", "Ends the loop.", "{% for i in (1..3) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"},
		[4]string{"continue", "", "Goes on with the next item.", "{% for i in (1..3) %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}"},
	),
	docs(KindTag, "Variables",
		[4]string{"assign", "name = value", "Names a value for the rest of the template. The value keeps its type.", "{% assign n = 2 | plus: 1 %}{{ n }}"},
		[4]string{"capture", "name", "Names what its block prints.", "{% capture n %}a{{ 1 }}{% endcapture %}{{ n }}"},
		[4]string{"increment", "name", "Prints a counter of its own and adds 1.", "{% increment n %}{% increment n %}"},
		[4]string{"decrement", "name", "Takes 1 from the counter and prints it.", "{% decrement n %}{% decrement n %}"},
	),
	docs(KindTag, "Other tags",
		[4]string{"echo", "value", "Prints a value, as {{ … }} does.", "{% echo 'a' | upcase %}"},
		[4]string{"liquid", "", "Holds one tag in each line.", "{% liquid\nassign n = 1\necho n %}"},
		[4]string{"raw", "", "Prints its block as it is written.", "{% raw %}{{ a }}{% endraw %}"},
		[4]string{"comment", "", "Prints nothing of its block.", "a{% comment %}b{% endcomment %}c"},
		[4]string{"#", "remark", "A remark; each of its lines begins with #.", "a{% # b %}c"},
		[4]string{"doc", "", "Prints nothing of its block, which is for people.", "a{% doc %}b{% enddoc %}c"},
	),
)
