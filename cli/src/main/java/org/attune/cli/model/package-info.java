/// Commands about files of models: `attune merge`, `combine`, `export` and `verify-model`.
package org.attune.cli.model;
