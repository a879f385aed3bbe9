"""What a release manager does with a finished report: sign it, bundle what it rests on, verify a bundle."""
