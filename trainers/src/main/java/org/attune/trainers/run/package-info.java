/// The front door: from a configuration to a finished run. Read [Runs], then [OpenedRun].
package org.attune.trainers.run;
