/// Methods that learn from single labelled completions: BCO. Read [BcoConfig], then [BcoTrainer]
/// and [BcoObjective].
package org.attune.trainers.unpaired;
