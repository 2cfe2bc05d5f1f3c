/// Supervised fine-tuning: its configuration, loss and trainer. Read [SftConfig], then
/// [SftTrainer].
package org.attune.trainers.sft;
