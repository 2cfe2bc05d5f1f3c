/// From a run's YAML file to the records of `org.attune.trainers.config` and back. Read
/// [org.attune.cli.config.RunConfigReader], then [org.attune.cli.config.KeyTable].
package org.attune.cli.config;
