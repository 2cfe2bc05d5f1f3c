/// Proximal policy optimisation, [Schulman et al. 2017](https://arxiv.org/abs/1707.06347), as plain
/// formulas on the host. `T` tokens of a completion.
package org.attune.trainers.ppo;
