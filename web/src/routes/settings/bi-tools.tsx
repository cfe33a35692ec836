import { BiToolList } from '~/features/bi/BiToolList'

/** The connections to tools of business intelligence. */
export default function BiToolsSettings() {
  return <BiToolList />
}
