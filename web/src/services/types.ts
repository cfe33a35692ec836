import type { components } from './openapi.gen'

/** The shapes that the API answers with, as its description has them, and what the app makes of them. */
type Schema = components['schemas']

/** Any JSON value. */
export type Json = Schema['Json']
/** Values of connector fields, by field name. */
export type Settings = Record<string, Json>

export type Field = Schema['ConnectorField']
export type Option = Schema['ConnectorOption']
export type SampleQuery = Schema['ConnectorSampleQuery']
export type SourceInfo = Schema['ConnectorSourceInfo']
export type SyncType = Schema['ConnectorSyncType']
export type DestinationInfo = Omit<Schema['ConnectorDestinationInfo'], 'syncTypes'> & { syncTypes: SyncType[] | null }
export type TargetField = Schema['ConnectorTargetField']
/** The type of a destination's field. */
export type FieldType = TargetField['type']
export type Exchange = Schema['ConnectorExchange']

export type SyncSpec = Schema['SyncSpec']
export type Mode = SyncSpec['mode']
export type DeleteBehavior = NonNullable<SyncSpec['delete']>
export type Mapping = Schema['SyncMapping']
export type MappingKind = Exclude<Mapping['kind'], '' | undefined>
export type Arrays = Schema['Arrays']
export type MatchPair = Schema['ConnectorMatchPair']
export type Schedule = Schema['SyncSchedule']
export type ScheduleType = NonNullable<Schedule['type']>
/** The jobs after which something runs. */
export type After = Schema['SyncAfter']
export type Orchestrator = Schema['Orchestrator']
export type OrchestratorType = Schema['OrchestratorInfo']
export type OrchestratorJob = Schema['OrchestratorJob']
export type Recurrence = Schema['SyncRecurrence']
export type Weekday = NonNullable<Recurrence['days']>[number]

export type Metadata = Schema['Metadata']
export type Source = Schema['Source']
export type Destination = Schema['Destination']
export type Model = Schema['Model']
export type Sync = Schema['Sync']
export type Sequence = Schema['Sequence']
export type AlertChannel = Schema['AlertChannel']
/** The kinds that have a list and a page of their own. */
export type Kind = Exclude<Source['kind'], 'storage' | 'tunnel' | 'credential' | 'dbt-project' | 'orchestrator' | 'bi-tool'>
export type KindPath = 'sources' | 'models' | 'destinations' | 'syncs' | 'sequences' | 'alert-channels' | 'monitors'
export type SourceSpec = Schema['SourceSpec']
export type DestinationSpec = Schema['DestinationSpec']
export type LastTest = Schema['LastTest']
export type ModelSpec = Schema['ModelSpec']
export type ModelMethod = ModelSpec['method']
export type File = Schema['ConnectorFile']
export type FileRules = Schema['ConnectorFileRules']
export type Sheet = Schema['ConnectorSheet']
/** A model or analysis of a dbt project that a model reads, and how. */
export type ModelDbt = Schema['ModelDBT']
/** What a model reads from a BI tool. */
export type ModelBi = Schema['ModelBI']
export type BiTool = Schema['BITool']
export type BiToolType = Schema['BitoolInfo']
export type BiItem = Schema['BIItem']
export type DbtProject = Schema['DBTProject']
/** Where the manifest of a dbt project can come from. */
export type DbtOrigin = Schema['DbtprojectInfo']
/** How the fetching of a manifest stands. */
export type DbtRefresh = Schema['DBTRefresh']
export type DbtManifest = Schema['DBTManifest']
export type DbtNode = Schema['DBTNode']
export type DbtNodeDetail = Schema['DBTNodeDetail']
/** How a node is read. */
export type DbtRead = DbtNode['read']
export type ModelColumn = Schema['ModelColumn']
/** How a model's columns in the source differ from those that the model knows. */
export type Drift = Schema['Drift']
/** A place where a model's column is used. */
export type ColumnUse = Schema['ColumnUse']
export type Cloned = Schema['Cloned']
export type RefreshedSource = Schema['RefreshedSource']
export type ColumnType = ModelColumn['type']
export type Storage = Schema['Storage']
export type Tunnel = Schema['Tunnel']
/** A new key of a tunnel. */
export type TunnelKey = Schema['TunnelKey']
export type Credential = Schema['Credential']
export type CredentialType = Schema['CredentialType']
/** What is known of the server's way to others. */
export type Network = Schema['Network']
export type StorageType = Schema['StorageType']
export type StorageOverview = Schema['StorageOverview']
export type StoragePlace = Schema['StoragePlace']
export type StorageSwitch = Schema['StorageSwitch']
export type StorageSync = Schema['StorageSync']
export type SyncStatus = Schema['SyncStatus']
export type SyncState = SyncStatus['state']
/** A time at which a schedule did not start a run, and why. */
export type Skip = Schema['Skip']
export type SequenceSpec = Schema['SequenceSpec']
export type SequenceStep = SequenceSpec['steps'][number]
export type Terminate = NonNullable<SequenceStep['terminate']>
export type SequenceState = Schema['SequenceStatus']['state']
export type SequenceRun = Schema['SequenceRun']
export type SequenceRunStep = SequenceRun['steps'][number]

export type Monitor = Schema['Monitor']
export type MonitorSpec = Schema['MonitorSpec']
export type MonitorType = Schema['MonitorInfo']
export type ChannelSpec = Schema['ChannelSpec']
export type ChannelType = Schema['ChannelInfo']
export type AlertsSpec = Schema['AlertingSpec']
export type AlertRecipient = Schema['AlertingRecipient']
export type AlertTrigger = Schema['AlertingTrigger']
/** What a kind of trigger is about. */
export type TriggerType = Schema['AlertingTriggerType']
export type AlertLevels = NonNullable<AlertRecipient['levels']>
/** How the alerts of a sync are set, and where they stand. */
export type Alerts = Schema['Alerts']
export type TriggerState = Schema['AlertTrigger']
export type AlertLevel = TriggerState['level']
export type AlertRollup = Schema['AlertRollup']
export type AlertEvent = Schema['AlertEvent']
export type AlertNotice = Schema['AlertNotice']

/** Which tables of the warehouse tell what became of rows. */
export type SyncLogTables = Schema['SynclogTables']
export type SyncLogTable = keyof SyncLogTables
/** What is written into the warehouse, and how that stands. */
export type SyncLogs = Schema['SyncLogs']

/** How the report of audience sizes of a destination stands. */
export type AudienceSizes = Schema['AudienceSizes']
export type AudienceSize = Schema['AudienceSize']
/** How many people an ad platform matched of those that a sync sent. */
export type MatchedUsers = Schema['MatchedUsers']
export type Match = Schema['Match']

/** What a vendor makes of the events of a sync. */
export type EventQuality = Schema['EventQuality']
export type RatedEvent = Schema['ConnectorEventQuality']

/** What is sent to create or replace a document. */
export interface Draft<S> {
  metadata: Pick<Schema['WriteMetadata'], 'slug' | 'labels' | 'revision'> & { name: string; folder?: string | null }
  spec: S
}

/** Where rows come from and go to. */
export type Lineage = Schema['Lineage']
export type LineageNode = Schema['LineageNode']
export type LineageEdge = Schema['LineageEdge']
/** The kinds that rows pass through, and sequences, which start syncs. */
export type LineageKind = LineageNode['kind']

/** One page of a list. */
export type List<T> = Omit<Schema['PageRun'], 'items'> & { items: T[] }
/** A list that is answered as a whole. */
export interface Items<T> {
  items: T[]
}

export type TableRef = Schema['QueryTableRef']
export type Table = Schema['ConnectorTable']
export type Tables = Schema['TableList']
export type FileList = Schema['FileList']
export type SheetList = Schema['SheetList']
export type PreviewRequest = Schema['PreviewInput']
export type Preview = Schema['Preview']
export type CastFailure = Schema['CastFailure']

/** A group of conditions, or one of them. */
export type Condition = Schema['ConditionCondition']
export type PropertyCondition = Schema['ConditionProperty']
export type ConditionOperator = PropertyCondition['operator']
export type ConditionMoment = Schema['ConditionMoment']
export type ConditionPeriod = Schema['ConditionPeriod']
export type TimeUnit = ConditionPeriod['unit']

export type Problem = Schema['ErrorInfo']
export type Run = Schema['Run']
/** What runs did, by day. */
export type RunDays = Schema['RunDays']
export type RunDay = Schema['RunDay']
export type RunState = Run['state']
export type RunStatus = Run['status']
export type OperationCounts = Schema['RunOpCounts']
export type TriggerOptions = Schema['TriggerSyncRequest']
export type RunRow = Schema['Row']
export type RowPage = Schema['RowsPage']
/** A row by itself, with the order of its values. */
export type OneRow = Schema['OneRow']
/** What became of a row. Rejected rows were never planned, since their key is not unique. */
export type RowStatus = RunRow['status']
export type Operation = RunRow['operation']
export type RowExchange = Schema['Exchange']
/** Rows of a model of which one can be sent as a test (SY-11). */
export type TestRows = Schema['TestRows']
export type TestColumn = Schema['TestColumn']
export type TestableRow = Schema['TestableRow']
/** Another value for a column of a test's row. */
export type RowEdit = Schema['Edit']
/** What a row did at the destination. */
export type TestedRow = Schema['TestedRow']

export type TestResult = Schema['Test']
export type Activity = Schema['Event']
export type Reference = Schema['Referrer']
export type Folder = Schema['Folder']
export type SavedFilter = Schema['SavedFilter']
export type Facets = Schema['Facets']
/** What became of many documents. */
export type Bulk = Schema['Bulk']
export type Outcome = Schema['Outcome']
export type BulkAction = 'file' | 'label' | 'enable' | 'disable' | 'run' | 'delete'
export type Session = Schema['Session']
export type Workspace = Schema['Workspace']
export type ApiKey = Schema['Key']
export type Usage = Schema['UsageByMonth']
export type Version = Schema['ServerVersion']
export type Suggestion = Schema['Suggestion']

export type FunctionList = Schema['FunctionList']
export type TemplateFunction = Schema['TemplateFunction']
/** A column that holds objects or lists, or a property of its objects. */
export type Property = Schema['Property']
/** What a mapping makes of one row. */
export type Tried = Schema['Tried']
