import { Badge } from '@mantine/core'
import { IconFolder } from '@tabler/icons-react'
import { TimeAgo } from '~/components/format/TimeAgo'
import type { Metadata } from '~/services/types'
import { labelTexts } from './labels'

/** The small print of a document: its numbers, who made it, where it is filed. */
export function Meta({ metadata, idLabel = 'ID' }: { metadata: Metadata; idLabel?: string }) {
  return (
    <>
      <span className="num">
        {idLabel} {metadata.id}
      </span>
      <span>
        Created <TimeAgo at={metadata.createdAt} /> by {metadata.createdBy}
      </span>
      {metadata.folder !== null && metadata.folder !== '' && (
        <span className="row" style={{ gap: 4 }}>
          <IconFolder size={14} aria-hidden />
          {metadata.folder}
        </span>
      )}
      {labelTexts(metadata.labels).map((label) => (
        <Badge key={label} color="gray" tt="none">
          {label}
        </Badge>
      ))}
    </>
  )
}
