import { IconArrowLeft } from '@tabler/icons-react'
import type { LinkProps } from '@tanstack/react-router'
import { useEffect, type ReactNode } from 'react'
import { LinkButton } from './LinkButton'

interface Props {
  /** The list that one came from. */
  back: { label: string; to: LinkProps['to'] }
  title: string
  /** What stands before the title, such as an icon. */
  icon?: ReactNode
  actions?: ReactNode
}

/** The head of a page within the settings: the way back, what it is, what can be done. */
export function SectionHead({ back, title, icon, actions }: Props) {
  useEffect(() => {
    document.title = `${title} · Settings · Millrace`
    return () => {
      document.title = 'Settings · Millrace'
    }
  }, [title])
  return (
    <div className="row spread">
      <div className="row" style={{ minWidth: 0 }}>
        <LinkButton to={back.to} variant="subtle" size="xs" style={{ flex: 'none' }} leftSection={<IconArrowLeft size={14} />}>
          {back.label}
        </LinkButton>
        {icon}
        <h2 className="truncate" title={title}>
          {title}
        </h2>
      </div>
      {actions !== undefined && (
        <div className="row" style={{ flex: 'none' }}>
          {actions}
        </div>
      )}
    </div>
  )
}
