/// From a configuration to a run: opens the model, reads and prepares the rows, builds the policy
/// and starts the trainer. Read [org.attune.trainers.setup.Runs].
package org.attune.trainers.setup;
