/// Where weights come from and where they go: model folders, GGUF files, exports.
///
/// Read [ModelSource], then [FolderModel] and [GgufModel].
package org.attune.model.source;
