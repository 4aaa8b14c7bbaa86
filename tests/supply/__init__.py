"""What Twodeck is made of: versions, licences, known holes, hashes, the bill of materials."""
