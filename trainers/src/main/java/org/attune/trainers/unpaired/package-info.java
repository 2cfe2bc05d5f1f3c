/// Methods that learn from single labelled completions: BCO. Read [BcoConfig], then [BcoObjective],
/// [BcoSums] and [BcoLoss].
package org.attune.trainers.unpaired;
