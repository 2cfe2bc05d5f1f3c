/// Files that every part reads or writes: paths that users give, JSON objects, tensor files, and
/// files and folders that are written whole or not at all.
///
/// Read [TensorFile] for reading weights, [AtomicFile] and [AtomicFolder] for writing, [GivenPath]
/// for the rule of paths. The formats are in the packages below.
package org.attune.files;
