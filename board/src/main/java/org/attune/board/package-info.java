/// Shows runs in a browser: [Board]. Folders are all that it knows, so it shows runs of any
/// process, also of those that are dead.
///
/// Read [Board], which has the addresses, then [RunEndpoints] and the scripts among the resources.
package org.attune.board;
