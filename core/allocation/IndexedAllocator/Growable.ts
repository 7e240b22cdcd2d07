/** A typed array of at least this many elements, with the old ones at the front; grows by an eighth, so that the room that is
 * not used stays small beside what is. */
export const grownInt32 = (array: Int32Array, length: number): Int32Array => {
  if (length <= array.length) return array
  const grown = new Int32Array(roomFor(length))
  grown.set(array)
  return grown
}

export const grownUint32 = (array: Uint32Array, length: number): Uint32Array => {
  if (length <= array.length) return array
  const grown = new Uint32Array(roomFor(length))
  grown.set(array)
  return grown
}

export const grownUint8 = (array: Uint8Array, length: number): Uint8Array => {
  if (length <= array.length) return array
  const grown = new Uint8Array(roomFor(length))
  grown.set(array)
  return grown
}

export const grownFloat64 = (array: Float64Array, length: number): Float64Array => {
  if (length <= array.length) return array
  const grown = new Float64Array(roomFor(length))
  grown.set(array)
  return grown
}

/** Rows of `before` numbers become rows of `after`, the new ones 0; the last column stays the last. */
export const widenedRows = (array: Float64Array, before: number, after: number): Float64Array => {
  const rows = Math.floor(array.length / before)
  const widened = new Float64Array(rows * after)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < before - 1; column++) {
      widened[row * after + column] = array[row * before + column]!
    }
    widened[row * after + after - 1] = array[row * before + before - 1]!
  }
  return widened
}

const roomFor = (length: number): number => Math.max(16, length + (length >> 3))
