/// Which parser and which tool protocol a model has, and protocols for models whose chat template
/// knows no tools.
package org.attune.text.parse.protocol;
