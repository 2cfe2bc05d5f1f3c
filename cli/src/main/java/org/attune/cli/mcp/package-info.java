/// `attune mcp`: agents train, measure and serve through tools of the Model Context Protocol.
/// [McpSession] speaks the protocol and knows nothing of models; [Tool]s do the work, on files that
/// [Roots] and [RunGuard] let them use. Runs are separate processes ([TrainingJobs]).
package org.attune.cli.mcp;
