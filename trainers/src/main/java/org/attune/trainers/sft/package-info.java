/// Supervised fine-tuning: its configuration, objective and loss. Read [SftConfig], then
/// [SftObjective].
package org.attune.trainers.sft;
