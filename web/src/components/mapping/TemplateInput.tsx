import { Button, TextInput } from '@mantine/core'
import { IconFunction, IconSearch } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { CodeEditor, type EditorHandle } from '~/components/code/CodeEditor'
import type { Mapping, TemplateFunction } from '~/services/types'
import { useMappingContext } from './context'
import classes from './Mapping.module.css'
import { columnCode, insertFunction, insertVariable, matchesFunction } from './template'
import { TryResult } from './TryResult'

interface Props {
  mapping: Mapping
  onChange: (mapping: Mapping) => void
}

/** A template with what it may use, and what it makes of a row (SY-32). */
export function TemplateInput({ mapping, onChange }: Props) {
  const { words } = useMappingContext()
  const [open, setOpen] = useState(false)
  const handle = useRef<EditorHandle>(null)
  const text = mapping.template ?? ''
  return (
    <div className={classes.template}>
      <CodeEditor
        label={`Template for ${mapping.to || 'the field'}`}
        language="liquid"
        value={text}
        words={words}
        handle={handle}
        minHeight={56}
        maxHeight={200}
        onChange={(template) => onChange({ ...mapping, template })}
      />
      <div className="row wrap" style={{ justifyContent: 'space-between' }}>
        <p className="muted small">
          Liquid, for example <code>{'{{ row.first_name | upcase }}'}</code>
        </p>
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconFunction size={14} />}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          Variables and functions
        </Button>
      </div>
      {open && <Palette handle={handle} />}
      {text.trim() !== '' && <TryResult mapping={mapping} />}
    </div>
  )
}

/** Two lists whose entries are inserted where the cursor is. */
function Palette({ handle }: { handle: React.RefObject<EditorHandle | null> }) {
  const { columns, words, functions, groups } = useMappingContext()
  const [search, setSearch] = useState('')
  const [variable, setVariable] = useState(columnCode(columns[0]?.name ?? 'column'))
  const wanted = search.trim().toLowerCase()
  const variables = [...columns.map((c) => ({ name: c.name, code: columnCode(c.name) })), ...words.context.map((name) => ({ name: `context.${name}`, code: `context.${name}` }))]
  const insert = (code: string) => {
    setVariable(code)
    handle.current?.edit((text, from, to) => insertVariable(text, from, to, code))
  }
  const named = variables.filter((v) => v.name.toLowerCase().includes(wanted))
  const found = functions.filter((f) => matchesFunction(f, search))
  return (
    <div className={classes.palette}>
      <TextInput
        size="xs"
        aria-label="Search variables and functions"
        placeholder="Search variables and functions"
        leftSection={<IconSearch size={13} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <div className={classes.lists}>
        <section aria-label="Variables">
          <h4>Variables</h4>
          <ul>
            {named.map(({ name, code }) => (
              <li key={code}>
                <button type="button" title={code} onClick={() => insert(code)}>
                  <code>{name}</code>
                </button>
              </li>
            ))}
          </ul>
          {named.length === 0 && <p className="muted small">No variable matches.</p>}
        </section>
        <section aria-label="Functions">
          <h4>Functions</h4>
          {groups.map((group) => (
            <FunctionGroup
              key={group}
              title={group}
              functions={found.filter((f) => f.group === group)}
              onChoose={(f) => handle.current?.edit((text, from, to) => insertFunction(text, from, to, f, variable))}
            />
          ))}
          {found.length === 0 && <p className="muted small">No function matches.</p>}
        </section>
      </div>
    </div>
  )
}

function FunctionGroup({ title, functions, onChoose }: { title: string; functions: TemplateFunction[]; onChoose: (f: TemplateFunction) => void }) {
  if (functions.length === 0) return null
  return (
    <>
      <h5>{title}</h5>
      <ul>
        {functions.map((f) => (
          <li key={`${f.kind} ${f.name}`}>
            <button type="button" title={f.example} onClick={() => onChoose(f)}>
              <code>{f.name}</code>
              <small className="muted">{f.summary}</small>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
