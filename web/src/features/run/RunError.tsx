import { Button, Modal } from '@mantine/core'
import { IconCode } from '@tabler/icons-react'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LinkButton } from '~/components/page/LinkButton'
import { ApiError } from '~/services/http'
import type { Problem } from '~/services/types'

interface Props {
  error: Problem
  title: string
  /** The model whose query the run asked for. */
  model: string | undefined
}

/** Why a run stopped, in the words of who said it; what the source says leads to the query (SY-72). */
export function RunError({ error, title, model }: Props) {
  const asksForQuery = model !== undefined && /^(source\.query_failed|source\.unsupported_type|model\.)/.test(error.code)
  return (
    <ErrorCard error={new ApiError(422, error)} title={title}>
      {asksForQuery && (
        <div>
          <LinkButton variant="default" size="compact-xs" mt={4} leftSection={<IconCode size={13} />} to="/models/$slug/edit" params={{ slug: model }}>
            Open the model’s query
          </LinkButton>
        </div>
      )}
    </ErrorCard>
  )
}

/** Shows the error of a run from where there is no room for it. */
export function ViewError(props: Props) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button variant="default" size="compact-xs" onClick={() => setOpen(true)}>
        View error
      </Button>
      {open && (
        <Modal opened onClose={() => setOpen(false)} size="lg" title={<strong>{props.title}</strong>}>
          <RunError {...props} title="The run stopped" />
        </Modal>
      )}
    </>
  )
}
