import { storeSuite } from '../store.suite.ts'
import { placeOn } from './place.ts'

storeSuite('azure', () => placeOn())
storeSuite('azure, with a prefix, small pages and an older service', () =>
  placeOn({ pageSize: 3, startFrom: false, deletesLockedRoot: false, currentById: false }, { prefix: 'audit/eu/' }),
)
