/// JSON: reading and writing, strictly or as Python does, as plain values or Jackson's trees.
///
/// Read [Json]. A text that is none ends in a [JsonException] with line and column.
package org.attune.json;
