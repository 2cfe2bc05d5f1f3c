/// GRPO and its relatives: several completions of a prompt are compared by their rewards, and the
/// better ones become more likely.
///
/// Read [GroupRows], then [GrpoObjective] and [PolicyLoss] (the formulas, on the host in double
/// precision), and [GroupRounds] (where completions come from). Dimensions: `P` prompts of a
/// round, `G` completions of a prompt, `T` tokens of a completion.
package org.attune.trainers.grpo;
