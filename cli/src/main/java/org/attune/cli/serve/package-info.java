/// `attune serve`
package org.attune.cli.serve;
