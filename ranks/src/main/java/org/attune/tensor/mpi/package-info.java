/// The Message Passing Interface, as the library of any of its implementations has it, through the
/// Foreign Function & Memory API.
///
/// [MpiLibrary] takes addresses and counts and gives error numbers. `org.attune.ranks` makes calls
/// for training of them.
package org.attune.tensor.mpi;
