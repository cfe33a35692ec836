import { LinkButton } from '~/components/page/LinkButton'
import { IconTable } from '@tabler/icons-react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ModelTable } from '~/features/model/ModelTable'

/** The models that read from a source. */
export function SourceModels({ slug }: { slug: string }) {
  return (
    <ModelTable
      filters={{ source: slug }}
      empty={
        <EmptyState
          icon={IconTable}
          title="No model reads from this source"
          action={
            <LinkButton to="/models/new" search={{ source: slug }}>
              Add model
            </LinkButton>
          }
        >
          A model says which rows matter, and which column identifies them.
        </EmptyState>
      }
    />
  )
}
