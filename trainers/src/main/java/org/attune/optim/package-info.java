/// Optimizers over a policy's flat parameters, gradient clipping and learning-rate schedules.
///
/// Read [AdamW], then [GradientClipping] and [LrSchedule]. `P` is the number of trained values.
/// Rates, moments and steps follow PyTorch; schedules follow Hugging Face transformers, so that a
/// run configured as there takes the same steps.
package org.attune.optim;
