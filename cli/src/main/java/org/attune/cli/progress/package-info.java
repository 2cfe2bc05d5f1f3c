/// What is printed while work goes on and when it ends: [ProgressLine] for runs, [CountedProgress]
/// for other work, [HeldOutReport] at the end.
package org.attune.cli.progress;
