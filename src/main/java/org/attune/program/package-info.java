/// What users bring along: programs that speak in lines, classes, compiled when a run starts, and
/// what jars bring by the service loader.
package org.attune.program;
