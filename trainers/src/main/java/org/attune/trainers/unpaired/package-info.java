/// Methods that learn from single labelled completions: BCO and KTO. Read [BcoConfig], then
/// [BcoObjective], [BcoSums] and [BcoLoss]; of KTO likewise.
package org.attune.trainers.unpaired;
