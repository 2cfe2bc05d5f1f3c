/// Online preference methods: a prompt is completed twice, rewards judge both completions, and a
/// loss learns from the pair. Online DPO takes both from the policy, XPO one from the reference,
/// Nash-MD one from a mixture of the two. Read [OnlineDpoConfig], then [JudgedPairs], then
/// [OnlineObjective].
package org.attune.trainers.online;
