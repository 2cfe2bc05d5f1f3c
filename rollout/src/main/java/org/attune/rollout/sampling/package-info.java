/// From logits to the next token. Read [SamplingConfig], then [BatchSampler].
package org.attune.rollout.sampling;
