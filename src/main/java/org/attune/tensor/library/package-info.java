/// libtorch's files: which are used, how they are loaded, what they bring along. It knows no
/// tensors.
package org.attune.tensor.library;
