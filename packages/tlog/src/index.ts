export { TlogError, type TlogErrorCode } from './errors.ts'
export { sha256, sha256Hasher } from '#sha256'
export { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#ed25519'
export { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from './text.ts'
export { emptyRoot, equalBytes, HASH_SIZE, leafHash, leafHashInto, MAX_TREE_SIZE, nodeHash } from './tree.ts'
export { Frontier, rootOf, type Completed } from './frontier.ts'
export { nodesInMemory, rootFromNodes, type NodeReader, type TreeNode } from './path.ts'
export { checkConsistency, checkInclusion, proveConsistency, proveInclusion, rootFromInclusion } from './proof.ts'
export {
  formatNote,
  formatSignatureLine,
  MAX_NOTE_BYTES,
  MAX_NOTE_SIGNATURES,
  parseNote,
  parseSignatureLine,
  signNote,
  verifyNote,
  type Note,
  type NoteSignature,
  type Signer,
  type VerifiedNote,
  type Verifier,
} from './note.ts'
export {
  ed25519Signer,
  ed25519Verifier,
  formatSkey,
  formatVkey,
  keyId,
  parseSkey,
  parseVkey,
  TYPE_COSIGNATURE_V1,
  TYPE_ED25519,
  TYPE_ML_DSA_44,
  type VerifyEd25519,
  type Vkey,
} from './key.ts'
export { cosignatureVerifier, cosignedMessage, cosigner, parseCosignature, type CosignatureParts, type Cosigner } from './cosignature.ts'
export {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  type Checkpoint,
  type CheckpointOptions,
  type CheckpointPolicy,
  type Cosignature,
  type Quorum,
  type VerifiedCheckpoint,
} from './checkpoint.ts'
export {
  checkpointPolicy,
  isQuorumMet,
  openCheckpointByPolicy,
  witnessVerifiers,
  type BringVerifier,
  type Policy,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
} from './policy.ts'
export { formatPolicy, MAX_POLICY_BYTES, MAX_POLICY_ITEMS, parsePolicy } from './policy-text.ts'
export {
  formatAddCheckpoint,
  formatCosignatures,
  MAX_ADD_CHECKPOINT_ANSWER_BYTES,
  MAX_ADD_CHECKPOINT_BYTES,
  MAX_WITNESS_PROOF,
  parseAddCheckpoint,
  parseTlogSize,
  readCosignatures,
  TYPE_TLOG_SIZE,
  type AddCheckpoint,
} from './add-checkpoint.ts'
export { decideAddCheckpoint, type WitnessDecision, type Witnessed, type WitnessedLog } from './witness.ts'
export {
  formatTilePath,
  hashFromTile,
  nodesFromTiles,
  parseTilePath,
  partialTiles,
  proveConsistencyFromTiles,
  proveInclusionFromTiles,
  TILE_WIDTH,
  tileOfNode,
  tilesForConsistency,
  tilesForInclusion,
  tilesForRoot,
  tileWidth,
  type Tile,
  type TileReader,
} from './tile.ts'
export { formatBundle, MAX_ENTRY_BYTES, parseBundle } from './bundle.ts'
export { formatTlogProof, MAX_TLOG_PROOF_BYTES, parseTlogProof, verifyTlogProof, type TlogProof } from './tlogproof.ts'
