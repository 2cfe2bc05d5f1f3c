/// Runs that lie in folders, and where they stand: [FoundRun].
package org.attune.reports.runs;
