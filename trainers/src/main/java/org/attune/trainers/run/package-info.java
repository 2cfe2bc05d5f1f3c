/// The front door: from a configuration to a finished run. Read [Runs], then [Methods].
package org.attune.trainers.run;
