/// Commands that measure a model or its answers: `attune eval`, `score` and `tasks`.
package org.attune.cli.eval;
