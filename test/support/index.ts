export { Api, type ApiAnswer, type DeliveryView } from './api.js';
export { dataFolder, emptyFolder, removeFolder } from './folders.js';
export { Gateway, newGateway, startGateway, stopEverything, type Ended, type GatewayOptions } from './gateway.js';
export { HoldingProxy, type Hold } from './holding-proxy.js';
export { describeWithPostgres, expireLeases, Postgres } from './postgres.js';
export { schemaFaults } from './published-schema.js';
export {
  FakeHelpdesk,
  FakeProvider,
  Receiver,
  type Answer,
  type Held,
  type OutboundPost,
  type Received,
} from './receiver.js';
export { message, newSecret, Poster, signed, type PostAnswer, type Writing } from './signed.js';
export { until } from './until.js';
export { expectPromisesKept } from './promises.js';
export { setStage, Stage, type MessageView, type StageOptions } from './stage.js';
export { chunked, postHead, wire, type WireAnswer } from './wire.js';
