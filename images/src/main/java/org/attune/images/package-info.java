/// Pictures to the numbers that a vision encoder reads, and to the text that names them, as the
/// image processors of `transformers` do it, to the byte.
///
/// Read [Picture], which decodes late, then [ImagePipeline], which a model folder opens;
/// `TileRule` has the sizes of each family, `Resizer` the passes that resize.
package org.attune.images;
