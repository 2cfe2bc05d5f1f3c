/// The front door: from a configuration to a finished run. Read [Runs], then
/// [Methods] and [RunFiles].
package org.attune.trainers.run;
