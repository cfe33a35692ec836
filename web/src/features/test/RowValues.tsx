import { ActionIcon, Button, Select, Textarea, Tooltip } from '@mantine/core'
import { IconArrowBackUp, IconCheck, IconPencil, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { plural } from '~/components/format/format'
import { TypeIcon } from '~/components/grid/TypeIcon'
import { cellText } from '~/components/grid/types'
import type { Json, RowEdit, TestableRow, TestColumn } from '~/services/types'
import { editOf, editProblem, editTypes, textToEdit, typeToEdit, withEdit, type Edits, type EditType } from './edits'
import classes from './Test.module.css'

interface Props {
  columns: TestColumn[]
  row: TestableRow
  edits: Edits
  onChange: (edits: Edits) => void
}

/** The values of a row, each of which can be changed unless it identifies the row. */
export function RowValues({ columns, row, edits, onChange }: Props) {
  const [all, setAll] = useState(false)
  const [editing, setEditing] = useState<string | undefined>()
  const unused = columns.filter((column) => !column.used).length
  const save = (name: string, edit: RowEdit | undefined) => {
    onChange(withEdit(edits, name, edit))
    setEditing(undefined)
  }
  return (
    <div>
      <table className={classes.values}>
        <caption className="visually-hidden">Values of row {row.key}</caption>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Value</th>
            <th scope="col">
              <span className="visually-hidden">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column, i) =>
            column.used || all ? (
              <Row
                key={column.name}
                column={column}
                value={row.values[i]}
                edit={edits[column.name]}
                editing={editing === column.name}
                onEdit={() => setEditing(column.name)}
                onSave={(edit) => save(column.name, edit)}
                onCancel={() => setEditing(undefined)}
              />
            ) : null,
          )}
        </tbody>
      </table>
      {unused > 0 && (
        <Button variant="subtle" size="compact-xs" mt={6} onClick={() => setAll(!all)}>
          {all ? 'Hide the columns that the sync does not use' : `Show ${plural(unused, 'column')} that the sync does not use`}
        </Button>
      )}
    </div>
  )
}

interface RowProps {
  column: TestColumn
  value: Json | undefined
  edit: RowEdit | undefined
  editing: boolean
  onEdit: () => void
  onSave: (edit: RowEdit | undefined) => void
  onCancel: () => void
}

function Row({ column, value, edit, editing, onEdit, onSave, onCancel }: RowProps) {
  const shown = edit === undefined ? value : edit.value
  const type = edit === undefined ? column.type : edit.type
  return (
    <tr className={edit === undefined ? undefined : classes.edited}>
      <th scope="row">
        <span className={classes.name}>
          <TypeIcon type={type} />
          {column.name}
        </span>
        {edit !== undefined && <span className="muted small">changed for this test</span>}
      </th>
      {editing ? (
        <td colSpan={2}>
          <Editor
            column={column}
            type={edit === undefined ? typeToEdit(column, value) : edit.value === null ? 'null' : edit.type}
            text={textToEdit(shown)}
            onSave={onSave}
            onCancel={onCancel}
          />
        </td>
      ) : (
        <>
          <td className={classes.value}>
            <span className={classes.long}>{cellText(shown) ?? <em className="muted">null</em>}</span>
          </td>
          <td className={classes.act}>
            <Actions column={column} edited={edit !== undefined} onEdit={onEdit} onUndo={() => onSave(undefined)} />
          </td>
        </>
      )}
    </tr>
  )
}

interface ActionsProps {
  column: TestColumn
  edited: boolean
  onEdit: () => void
  onUndo: () => void
}

function Actions({ column, edited, onEdit, onUndo }: ActionsProps) {
  if (column.fixed !== undefined) {
    return (
      <Tooltip label={`It cannot be changed: ${column.fixed}`} events={{ hover: true, focus: true, touch: true }}>
        <span className="muted small" tabIndex={0}>
          fixed<span className="visually-hidden">: {column.fixed}</span>
        </span>
      </Tooltip>
    )
  }
  return (
    <>
      {edited && (
        <Tooltip label="Take the model’s value">
          <ActionIcon variant="subtle" color="gray" size={26} aria-label={`Take the model’s value of ${column.name}`} onClick={onUndo}>
            <IconArrowBackUp size={15} />
          </ActionIcon>
        </Tooltip>
      )}
      <Tooltip label="Change">
        <ActionIcon variant="subtle" color="gray" size={26} aria-label={`Change ${column.name}`} onClick={onEdit}>
          <IconPencil size={15} />
        </ActionIcon>
      </Tooltip>
    </>
  )
}

interface EditorProps {
  column: TestColumn
  type: EditType
  text: string
  onSave: (edit: RowEdit) => void
  onCancel: () => void
}

/** Changes the type and the value of a column. */
function Editor({ column, type: before, text: was, onSave, onCancel }: EditorProps) {
  const [type, setType] = useState(before)
  const [text, setText] = useState(was)
  const problem = editProblem(type, text)
  const save = () => {
    if (problem === undefined) onSave(editOf(type, text))
  }
  return (
    <div className={classes.form}>
      <Select
        size="xs"
        aria-label={`Type of ${column.name}`}
        data={editTypes}
        value={type}
        allowDeselect={false}
        onChange={(next) => setType(editTypes.find((t) => t.value === next)?.value ?? type)}
      />
      <div className="row" style={{ alignItems: 'flex-start' }}>
        <ValueInput label={`Value of ${column.name}`} type={type} text={text} problem={problem} onChange={setText} onEnter={save} />
        <ActionIcon size={30} aria-label={`Keep the value of ${column.name}`} disabled={problem !== undefined} onClick={save}>
          <IconCheck size={16} />
        </ActionIcon>
        <ActionIcon size={30} variant="default" aria-label="Do not change it" onClick={onCancel}>
          <IconX size={16} />
        </ActionIcon>
      </div>
    </div>
  )
}

interface InputProps {
  label: string
  type: EditType
  text: string
  problem: string | undefined
  onChange: (text: string) => void
  onEnter: () => void
}

function ValueInput({ label, type, text, problem, onChange, onEnter }: InputProps) {
  if (type === 'null') {
    return (
      <span className="muted" style={{ flex: 1, lineHeight: '30px' }}>
        null
      </span>
    )
  }
  if (type === 'boolean') {
    return (
      <Select
        size="xs"
        style={{ flex: 1 }}
        aria-label={label}
        placeholder="true or false"
        data={['true', 'false']}
        value={text === 'true' || text === 'false' ? text : null}
        onChange={(next) => onChange(next ?? '')}
      />
    )
  }
  return (
    <Textarea
      size="xs"
      style={{ flex: 1 }}
      autosize
      minRows={1}
      maxRows={10}
      aria-label={label}
      value={text}
      error={problem}
      data-autofocus
      autoFocus
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || event.shiftKey) return
        event.preventDefault()
        onEnter()
      }}
    />
  )
}
