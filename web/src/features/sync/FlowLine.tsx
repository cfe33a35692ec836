import { IconArrowRight, IconTable } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import type { Sync } from '~/services/types'
import classes from './Sync.module.css'

/** Where the rows of a sync come from and go to. */
export function FlowLine({ sync: { spec, status } }: { sync: Sync }) {
  return (
    <span className={classes.flow}>
      <Link to="/models/$slug" params={{ slug: spec.model }} className={classes.place}>
        <IconTable size={18} stroke={1.6} aria-hidden />
        {status?.model.name ?? spec.model}
      </Link>
      <IconArrowRight size={15} aria-label="to" />
      <Link to="/destinations/$slug" params={{ slug: spec.destination }} className={classes.place}>
        <ConnectorIcon type={status?.destination.type ?? ''} size={22} />
        {status?.destination.name ?? spec.destination}
      </Link>
    </span>
  )
}
