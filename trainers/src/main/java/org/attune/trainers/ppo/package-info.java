/// Proximal policy optimisation, [Schulman et al. 2017](https://arxiv.org/abs/1707.06347), with a
/// critic that estimates each token's value.
///
/// Read [PpoTrainer], then [PpoRounds] (completions, scores, values, advantages), [PpoPass] (the
/// gradients of one optimizer step), and [PpoObjective] and [ValueObjective] (the formulas, on the
/// host). `T` is the number of tokens of a completion.
package org.attune.trainers.ppo;
