/// What a run is told: small nested records with TRL's names in camelCase and TRL's defaults
/// (exceptions in `docs/keys.md`). A run's YAML file is flat: its keys are the names of the
/// innermost components in snake_case. [org.attune.trainers.config.ConfigCheck] validates them.
package org.attune.trainers.config;
