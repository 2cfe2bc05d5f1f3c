/// Commands that let a model write: `attune generate` to prompts, `attune sample` a data set.
package org.attune.cli.generate;
