"""What every suite needs: installation, the gateway as a process, assertions."""
