/// Commands about files of models: `attune merge`, `export` and `verify-model`.
package org.attune.cli.model;
