/// What users bring along: programs that speak in lines, and classes, compiled when a run starts.
package org.attune.program;
