/// Reading tokens with a cache of keys and values, one step after the other.
///
/// Read [CachedDecoder], then [KvCache]. Dimensions: `S` sequences, `L` places of a sequence, `C`
/// key and value heads, `K` head size.
package org.attune.model.decode;
