import { Badge } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Clip } from '~/components/table/Clip'
import type { Column } from '~/components/table/DataTable'
import { labelTexts } from '~/features/document/labels'
import type { Metadata } from '~/services/types'
import classes from './List.module.css'

/** The time of a file's cell: in the viewer's zone, as spreadsheets read it. */
export function cellTime(at: string | null | undefined, zone?: string): string {
  if (!at) return ''
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone }).format(new Date(at))
}

function Labels({ labels }: { labels: Record<string, string> | null }) {
  const texts = labelTexts(labels)
  if (texts.length === 0) return <span className="muted">–</span>
  return (
    <span className={classes.labels} title={texts.join(', ')}>
      {texts.slice(0, 2).map((text) => (
        <Badge key={text} variant="light" color="gray" tt="none">
          {text}
        </Badge>
      ))}
      {texts.length > 2 && <span className="muted small">+{texts.length - 2}</span>}
    </span>
  )
}

type Any = { metadata: Metadata }

/** Columns that every kind has, and that a person may add. */
export const folderColumn: Column<Any> = {
  id: 'folder', header: 'Folder', sort: 'folder', width: 150, extra: true, text: ({ metadata }) => metadata.folder ?? '',
  cell: ({ metadata }) => (metadata.folder ? <Clip text={metadata.folder} /> : <span className="muted">–</span>),
}
export const labelsColumn: Column<Any> = {
  id: 'labels', header: 'Labels', width: 210, extra: true, text: ({ metadata }) => labelTexts(metadata.labels).join('; '), cell: ({ metadata }) => <Labels labels={metadata.labels} />,
}
export const slugColumn: Column<Any> = {
  id: 'slug', header: 'Slug', sort: 'slug', width: 170, extra: true, text: ({ metadata }) => metadata.slug, cell: ({ metadata }) => <code>{metadata.slug}</code>,
}
export const updatedColumn: Column<Any> = {
  id: 'updated', header: 'Updated', sort: 'updatedAt', width: 130, secondary: true, text: ({ metadata }) => cellTime(metadata.updatedAt), cell: ({ metadata }) => <TimeAgo at={metadata.updatedAt} />,
}
export const createdColumn: Column<Any> = {
  id: 'created', header: 'Created', sort: 'createdAt', width: 130, secondary: true, text: ({ metadata }) => cellTime(metadata.createdAt), cell: ({ metadata }) => <TimeAgo at={metadata.createdAt} />,
}
export const creatorColumn: Column<Any> = {
  id: 'creator', header: 'Created by', sort: 'createdBy', width: 170, extra: true, text: ({ metadata }) => metadata.createdBy, cell: ({ metadata }) => <Clip text={metadata.createdBy} />,
}

/** A name that leads to the document's page. */
export const PageLink = ({ to, metadata: { slug, name } }: { to: '/syncs/$slug' | '/models/$slug' | '/sources/$slug' | '/destinations/$slug' | '/sequences/$slug'; metadata: Metadata }) => (
  <Link to={to} params={{ slug }} title={name}>
    {name}
  </Link>
)
