/// `attune bench`: the measurements of `org.attune.bench` from the command line. Begin with
/// [BenchCommand].
package org.attune.cli.bench;
